# Perl's Net::SSH2 of Debian, which is libssh2.
use strict;
use warnings;
use Fcntl;
use Net::SSH2;

my $ssh = Net::SSH2->new;
$ssh->connect('127.0.0.1', $ENV{PORT}) or die 'no connection';
$ssh->auth_password($ENV{LOGIN}, $ENV{PASSWORD}) or die 'no login: ' . $ssh->error;
my $channel = $ssh->channel or die 'no channel';
$channel->exec('echo from perl; exit 4');
my $output = join '', <$channel>;
$channel->send_eof;
$channel->wait_closed;
die "the command differs: $output" unless $output eq "from perl\n" && $channel->exit_status == 4;
my $sftp = $ssh->sftp or die 'no SFTP';
my $file = $sftp->open('perl', O_WRONLY | O_CREAT | O_TRUNC) or die 'no file';
print $file 'x' x 300000;
close $file;
my %status = $sftp->stat('perl');
die "the size is $status{size}" unless $status{size} == 300000;
$ssh->scp_put($0, 'perl2') or die 'no SCP there';
$ssh->scp_get('perl2', 'back') or die 'no SCP back';
die 'the file differs by SCP' unless -s 'back' == -s $0;
$sftp->unlink($_) for 'perl', 'perl2';
print "all is well\n";
