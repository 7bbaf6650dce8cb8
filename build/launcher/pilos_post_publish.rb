#!/usr/bin/ruby --disable-gems
executable = File.join(File.dirname(File.realpath(__FILE__)), 'pilos-post-publish')
exec({ 'NODE_OPTIONS' => nil }, [executable, executable], *ARGV)
