#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The shell of manhattan-query on a real terminal: prompt, completion, history, errors, end.

Usage: tests/e2e/query_shell.py BUILD_DIR
"""
import os
import pathlib
import pty
import select
import subprocess
import sys
import tempfile
import time

import python_client as client
import query_examples


class Shell:
    """manhattan-query behind a pseudo-terminal."""

    def __init__(self, build, endpoint, home, *options):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "xterm", "HOME": home}
            os.execve(build / "manhattan-query", ["manhattan-query", "--config", "/dev/null", "--connect",
                                                  endpoint, *options], environment)

    def read_until(self, due):
        """What it prints, up to `due`; all of it where that does not come."""
        text, deadline = "", time.monotonic() + client.PATIENCE_S
        while due not in text and time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    text += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:  # its end is closed
                    break
        return text

    def types(self, keys, due):
        os.write(self.fd, keys.encode())
        text = self.read_until(due)
        client.claim(f"{keys!r} brings {due!r}", due in text, text)

    def exit_code(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def check_shell(build, endpoint, folder):
    shell = Shell(build, endpoint, folder)
    client.claim("it prompts", "manhattan> " in shell.read_until("manhattan> "))
    shell.types("cou\t", "nt ")
    shell.types("Ord\t", '"Order Placed"')
    shell.types("\n", "\n20\r\n")
    shell.types("results Bl\t", '"Blue Button"')
    shell.types("\n", "False")
    shell.types("nonsense\n", "no command 'nonsense'")
    shell.types("count 'pie accomplished' --format json\n", '{"count": 20}')
    shell.types("count \"no end\n", "manhattan> ")
    shell.types("count -- café\n", "\n0\r\n")
    shell.types("count 'order placed'\n", "no such goal 'order placed'; did you mean 'Order Placed'?")
    shell.types("goals that nobody ends \x03", "^C\r\nmanhattan> ")
    shell.types("count 'Order Placed'\n", "\n20\r\n")
    history = (pathlib.Path(folder) / ".manhattan_query_history").read_text()
    client.claim("a line that Ctrl-C drops is none", "nobody ends" not in history, history)
    client.claim("and the history is kept at once, whole names in it", "caf\\303\\251" in history or "café" in history, history)
    shell.types("quit\n", "quit")
    client.equal("quit ends it with 0", shell.exit_code(), 0)
    history = (pathlib.Path(folder) / ".manhattan_query_history").read_text()
    client.claim("the history is kept", "nonsense" in history, history)


def check_without_server(build, folder):
    """A completion that gets no names leaves the line as it is."""
    shell = Shell(build, f"ipc://{folder}/nobody", folder, "--wait", "50")
    shell.read_until("manhattan> ")
    shell.types("count Ord\tx\n", "nobody answers")
    os.write(shell.fd, b"quit\n")
    client.equal("it can be left as well", shell.exit_code(), 0)
    history = (pathlib.Path(folder) / ".manhattan_query_history").read_text()
    client.claim("and the line was what was typed", "Ordx" in history, history)


def check_script(build, endpoint):
    command = [build / "manhattan-query", "--config", "/dev/null", "--connect", endpoint]
    done = subprocess.run(command, input="count 'pie accomplished'\n# a comment\n\ncuont x\ngoals --format csv\n",
                          text=True, capture_output=True, timeout=client.PATIENCE_S)
    client.claim("lines of a script are all answered", done.stdout.startswith("20\ngoal,"), done.stdout)
    client.equal("the first that fails gives the exit code", done.returncode, 2)
    lines = "help\ncount x --connect ipc:///elsewhere\ncount x --site one\n"
    done = subprocess.run(command, input=lines, text=True, capture_output=True, timeout=client.PATIENCE_S)
    client.claim("help lists the questions", "  results " in done.stdout and "  quit\n" in done.stdout, done)
    client.claim("where the server is can't change on the way", "--connect is for the command line" in done.stderr, done)
    client.claim("and an option's wrong value is named", "('one')" in done.stderr, done)
    done = subprocess.run(command, input="", text=True, capture_output=True, timeout=client.PATIENCE_S)
    client.equal("no line is no failure", (done.returncode, done.stdout, done.stderr), (0, "", ""))


def main():
    with query_examples.served_clickstream(sys.argv[1]) as (build, endpoint, folder):
        check_shell(build, endpoint, folder)
        check_without_server(build, folder)
        check_script(build, endpoint)
    sys.exit(client.failures != 0)


main()
