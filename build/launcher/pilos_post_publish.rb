#!/usr/bin/ruby --disable-gems
# BBB runs this after each published format. It starts the executable beside it, waits, and always ends with a
# number: BBB's worker computes with the exit status, and a script that a signal ended would fail its whole job.
#
# Of the environment, NODE_*, UV_* and OPENSSL_CONF are not passed on: they stop or steer the Node.js inside, and
# no delivery needs them. Limits (ulimit) are passed on, but with lower ones than these the executable crashes, or
# hangs for ever.
LEAST = { AS: ['v', 2 << 30], DATA: ['d', 2 << 30], NOFILE: ['n', 64], STACK: ['s', 256 << 10] }.freeze

def give_up(status, problem, fix)
  warn "pilos-post-publish: #{problem}: #{fix}"
rescue SystemCallError, IOError
  # Nobody reads it: the exit status still says it.
ensure
  exit! status
end

LEAST.each do |name, (letter, least)|
  limit = Process.getrlimit(name).first
  next if limit >= least

  give_up 69, "the limit #{name} (ulimit -#{letter}) is #{limit}", "raise it to at least #{least}, or remove it"
end
executable = File.join(__dir__, 'pilos-post-publish')
install = "run 'install' of a downloaded pilos-post-publish, or install its Debian package again"
begin
  # Ruby has a shell run whatever the kernel does not take for a program: an empty file would succeed.
  head = File.binread(executable, 4).to_s
  give_up 69, "#{executable} is not a program", install unless head == "\x7FELF" || head.start_with?('#!')
  trap 'CHLD', 'DEFAULT' # A caller that ignores it would take the exit status away.
  child = nil
  waiting = []
  pass_on = ->(signal) { Process.kill(signal, child) rescue Errno::ESRCH }
  %w[TERM INT HUP].each { |signal| trap(signal) { child ? pass_on[signal] : waiting << signal } }
  unset = ENV.keys.select { |key| key.start_with?('NODE_', 'UV_') || key == 'OPENSSL_CONF' }
  child = spawn(unset.to_h { |key| [key, nil] }, [executable, executable], *ARGV)
  waiting.each(&pass_on)
  status = Process.wait2(child).last
rescue Errno::EAGAIN, Errno::ENOMEM, Errno::ETXTBSY => e
  give_up 75, "cannot start #{executable}: #{SystemCallError.new(e.errno).message}", "'pilos-post-publish deliver' delivers it later"
rescue SystemCallError => e
  give_up 69, "cannot start #{executable}: #{SystemCallError.new(e.errno).message}", install
end
exit! status.exitstatus unless status.signaled?

# One of the first three has interrupted it, perhaps when it had cleaned up and was about to end: as when it says so itself.
name = Signal.signame(status.termsig)
give_up %w[TERM INT HUP].include?(name) ? 75 : 128 + status.termsig, "ended by SIG#{name}",
        "'pilos-post-publish deliver' delivers it later; if it happens again, look for a lack of memory in the kernel log"
