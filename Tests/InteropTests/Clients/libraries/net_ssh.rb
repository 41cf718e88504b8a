# Ruby's net-ssh, net-sftp and net-scp of Debian, with the key exchanges that they have without further gems.
require 'net/scp'
require 'net/sftp'
require 'net/ssh'
require 'stringio'

def must(holds, what)
  raise what unless holds
end

options = {
  port: ENV['PORT'].to_i, password: ENV['PASSWORD'], auth_methods: ['password'], verify_host_key: :never,
  non_interactive: true, use_agent: false, config: false,
  # Its own list, without the curve of a gem that Debian has and many installations have not.
  kex: %w[ecdh-sha2-nistp521 ecdh-sha2-nistp384 ecdh-sha2-nistp256 diffie-hellman-group14-sha256]
}
Net::SSH.start('127.0.0.1', ENV['LOGIN'], options) do |session|
  must session.exec!('echo a; echo b >&2').include?('b'), 'the outputs differ'
  status = nil
  session.open_channel do |channel|
    channel.exec('exit 9') { channel.on_request('exit-status') { |_, data| status = data.read_long } }
  end
  session.loop
  must status == 9, 'the status differs'
  data = Random.bytes(700_000)
  session.sftp.mkdir!('ruby')
  session.sftp.upload!(StringIO.new(data), 'ruby/a')
  must session.sftp.download!('ruby/a').b == data, 'the file differs'
  session.sftp.rename!('ruby/a', 'ruby/b')
  must session.sftp.dir.entries('ruby').map(&:name).include?('b'), 'the file is not listed'
  session.scp.upload!(StringIO.new(data), 'ruby/c')
  must session.scp.download!('ruby/c').b == data, 'the file differs by SCP'
  session.sftp.remove!('ruby/b')
  session.exec!('rm -r ruby')
end
Net::SSH.start(
  '127.0.0.1', ENV['LOGIN'], port: ENV['PORT'].to_i, keys: [ENV['KEY']], keys_only: true, verify_host_key: :never,
  non_interactive: true, use_agent: false, config: false
) { |session| must session.exec!('echo in') == "in\n", 'no login with a key' }
puts 'all is well'
