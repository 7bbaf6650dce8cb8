# frozen_string_literal: true

# One of BBB's publish workers on a test host: the same glob, the same order, the same command line.
#
#   ruby worker.rb SCRIPTS_DIRECTORY
#
# Reads `MEETING_ID FORMAT` lines. For each it runs the post publish scripts, and writes a line of JSON to stdout.

require 'json'

SCRIPTS = ARGV.fetch(0)
Dir.chdir(SCRIPTS)

def run_post_scripts(meeting_id, format)
  output = +''
  statuses = Dir.glob(File.join(SCRIPTS, 'post_publish', '*.rb')).sort.map do |script|
    command = ['ruby', script, '-m', meeting_id, '-f', format]
    IO.popen([*command, { err: %i[child out] }]) { |io| output << io.read }
    $?.exitstatus
  end
  { statuses: statuses, output: output.force_encoding('UTF-8').scrub }
end

$stdout.sync = true
$stdin.each_line(chomp: true) do |line|
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  result = run_post_scripts(*line.split)
  seconds = Process.clock_gettime(Process::CLOCK_MONOTONIC) - started
  puts JSON.generate(result.merge(seconds: seconds))
end
