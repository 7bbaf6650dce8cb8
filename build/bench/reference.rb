# What PILOS' own post publish script does, step by step, for comparison:
#   ruby reference.rb SETTINGS.yml -m MEETING_ID -f FORMAT
# Ruby with its gems, nokogiri, redis and builder (BBB's library loads them), the whole events.xml as a tree,
# tar to the work directory, rsync to the spool.
require 'optparse'
require 'psych'
require 'logger'
require 'fileutils'
require 'redis'
require 'nokogiri'
require 'builder'

options = {}
OptionParser.new do |parser|
  parser.on('-m ID') { |value| options[:meeting_id] = value }
  parser.on('-f FORMAT') { |value| options[:format] = value }
end.parse!
settings = Psych.load_file(ARGV.fetch(0))
meeting_id = options.fetch(:meeting_id)
format = options.fetch(:format)
logger = Logger.new(settings['log_file'])

document = Nokogiri::XML(File.open("#{settings['recording_dir']}/raw/#{meeting_id}/events.xml"))
metadata = document.at_xpath('/recording/metadata')
unless metadata['bbb-origin'] == 'PILOS'
  logger.info("Meeting #{meeting_id} is not from PILOS")
  exit 0
end

archive = "#{settings['work_dir']}/#{meeting_id}-#{format}.tar"
FileUtils.mkdir_p(settings['work_dir'])
system('tar', '--create', '--file', archive, '--directory', settings['published_dir'], "#{format}/#{meeting_id}") or exit 1
rsync = ['rsync', '--verbose', '--remove-source-files', '--chmod=664', *settings['extra_rsync_opts'].to_a]
system(*rsync, archive, settings['spool_dir'].sub(%r{/*$}, '/')) or exit 1
logger.info('sent')
File.write("#{settings['recording_dir']}/status/published/#{meeting_id}-sender.done", "Published #{meeting_id}")
