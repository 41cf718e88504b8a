<?php
// phpseclib 3 of Debian: files over SFTP, a command, a terminal.
require '/usr/share/php/phpseclib3/autoload.php';

use phpseclib3\Crypt\PublicKeyLoader;
use phpseclib3\Net\SFTP;
use phpseclib3\Net\SSH2;

function must(bool $holds, string $what): void
{
    if (!$holds) {
        exit("$what\n");
    }
}

$port = (int) getenv('PORT');
$sftp = new SFTP('127.0.0.1', $port);
must($sftp->login(getenv('LOGIN'), PublicKeyLoader::load(file_get_contents(getenv('KEY')))), 'no login with a key');
$data = random_bytes(1500000);
$sftp->mkdir('php');
$sftp->chdir('php');
$sftp->put('a', $data);
must($sftp->get('a') === $data, 'the file differs');
$sftp->put('a', 'xyz', SFTP::RESUME);
must($sftp->get('a') === $data . 'xyz', 'what was resumed differs');
$sftp->rename('a', 'b');
$sftp->chmod(0600, 'b');
$sftp->touch('b', 1000000000);
must($sftp->filesize('b') === 1500003 && $sftp->filemtime('b') === 1000000000, 'size or time differ');
must($sftp->symlink('b', 'link') && basename($sftp->readlink('link')) === 'b', 'the link differs');
must(in_array('b', $sftp->nlist()), 'the file is not listed');
must($sftp->truncate('b', 10) && $sftp->delete('link') && $sftp->delete('b'), 'what is not removed');
$sftp->chdir('..');
must($sftp->rmdir('php'), 'the directory is not removed');

$ssh = new SSH2('127.0.0.1', $port);
must($ssh->login(getenv('LOGIN'), getenv('PASSWORD')), 'no login with a password');
must(trim($ssh->exec('echo from php; exit 3')) === 'from php' && $ssh->getExitStatus() === 3, 'the command differs');
$ssh->enablePTY();
$ssh->exec('cat');
$ssh->write("abc\n");
must(str_contains($ssh->read('abc'), 'abc'), 'the terminal differs');
echo "all is well\n";
