# SPDX-License-Identifier: MIT
# A client as somebody would write it in Perl, of manhattan-query(5) alone.
# perl_client.pl ENDPOINT METHOD JSON-ARGUMENTS JSON-NAMED ...: prints each answer as it came, a line each.
use strict;
use warnings;
use JSON::PP;
use ZMQ::FFI qw(ZMQ_REQ);

my ($endpoint, @words) = @ARGV;
my $json    = JSON::PP->new->utf8;
my $context = ZMQ::FFI->new;  # kept: the socket ends with it
my $socket  = $context->socket(ZMQ_REQ);
$socket->set_linger(0);
$socket->connect($endpoint);
while (my ($method, $arguments, $named) = splice @words, 0, 3) {
    $socket->send($json->encode([$method, $json->decode($arguments), $json->decode($named)]));
    print $socket->recv, "\n";
}
