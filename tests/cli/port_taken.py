# SPDX-License-Identifier: MIT
"""Runs a command while this program listens on a port, which stands in for PORT in its words."""
import socket
import subprocess
import sys

with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    port = str(listener.getsockname()[1])
    sys.exit(subprocess.call([word.replace("PORT", port) for word in sys.argv[1:]]))
