#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The Debian packages: what lintian says, and a machine's life with them: installed, booted, its
services killed and hung, upgraded, removed, purged. The machine is a view of this one (an overlay of
its root folder) in which systemd runs for real (systemd-nspawn); what it writes is gone afterwards.

Usage: tests/e2e/packages.py BUILD_DIR. Only root can make such a machine; others see lintian only.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
OURS = ("manhattan", "libmanhattan1", "libmanhattan-backend1", "libmanhattan-dev")
failures = 0


def check(sentence, is_so, *details):
    global failures
    print(("ok - " if is_so else "not ok - ") + sentence, flush=True)
    if not is_so:
        failures += 1
        print(*(f"  | {detail}" for detail in details), sep="\n", flush=True)


def run(*command, **more):
    """Its exit code and all that it said."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", **more)
    return done.returncode, done.stdout


def make_packages(build):
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    environment["DEB_BUILD_OPTIONS"] = "noautodbgsym"  # they take as long as all the rest
    code, said = run("make", "-C", ROOT, "--no-print-directory", f"OUT={build}", "packages",
                     env=environment)
    packages = sorted((build / "deb").glob("*.deb"))
    names = {path.name.partition("_")[0] for path in packages}
    check("make deb makes the packages", code == 0 and names >= set(OURS), said)
    return packages


class Machine:
    """This machine's root folder as it is, to be written over."""

    def __init__(self, folder):
        self.root = folder / "root"
        run("mount", "-t", "tmpfs", "tmpfs", folder)
        for name in ("root", "upper", "work"):
            (folder / name).mkdir()
        code, said = run("mount", "-t", "overlay", "overlay", "-o",
                         f"lowerdir=/,upperdir={folder}/upper,workdir={folder}/work", self.root)
        if code:
            sys.exit(f"cannot make a machine: {said}")
        for path in ("etc/machine-id", "usr/sbin/policy-rc.d"):
            (self.root / path).unlink(missing_ok=True)
        (self.root / "etc/machine-id").touch()
        shutil.rmtree(self.root / "etc/manhattan", ignore_errors=True)

    def path(self, name):
        return self.root / name.lstrip("/")

    def run(self, *command):
        return run("systemd-nspawn", "-q", "-D", self.root, "--register=no", "--keep-unit",
                   "--as-pid2", "--console=pipe", "--private-network", *command)

    def dpkg(self, *arguments):
        return self.run("dpkg", *arguments)

    def copy(self, *files):
        for file in files:
            shutil.copy(file, self.path("var/tmp"))
        return [f"/var/tmp/{pathlib.Path(file).name}" for file in files]

    def boot(self, script):
        """Boots, runs `script`, and halts; what it printed."""
        self.copy(script)
        self.path("var/tmp/said").unlink(missing_ok=True)
        units = self.path("etc/systemd/system")
        (units / "trial.target").write_text("[Unit]\nWants=trial.service\nRequires=sysinit.target\n"
                                            "After=sysinit.target\nAllowIsolate=yes\n")
        (units / "trial.service").write_text(
            "[Unit]\nAfter=sysinit.target\n[Service]\nType=oneshot\nStandardOutput=file:/var/tmp/said\n"
            f"StandardError=file:/var/tmp/said\nExecStart=/bin/sh /var/tmp/{script.name}\n"
            "ExecStopPost=systemctl exit\n")
        _, console = run("timeout", "-k", "5", "300", "systemd-nspawn", "-q", "-D", self.root, "--boot", "--register=no",
                         "--keep-unit", "--private-network", "--console=read-only",
                         "systemd.unit=trial.target", "systemd.log_target=console")
        said = self.path("var/tmp/said")
        return said.read_text(errors="replace") if said.exists() else "", console


def mode_of(path):
    status = path.stat()
    return f"{status.st_mode & 0o7777:o}"


def check_installed(machine, packages):
    code, said = machine.dpkg("-i", *machine.copy(*packages))
    check("they install", code == 0, said)
    check("a user and a group are made", "manhattan:" in machine.path("etc/passwd").read_text() and
          re.search("^manhattan:", machine.path("etc/group").read_text(), re.M))
    secret = machine.path("etc/manhattan/secret")
    check("a secret is made that only root can read", secret.exists() and mode_of(secret) == "600" and
          secret.stat().st_uid == 0 and len(secret.read_text().strip()) == 64, said)
    check("folders are made", [mode_of(machine.path(name)) for name in
                               ("var/lib/manhattan", "var/log/manhattan")] == ["700", "2770"], said)
    wants = machine.path("etc/systemd/system")
    check("the services start with the machine",
          (wants / "multi-user.target.wants/manhattan-server.service").is_symlink() and
          (wants / "sockets.target.wants/manhattan-fcgi.socket").is_symlink(), said)


def copy_examples(machine):
    """What manhattan(7) tells an administrator to do by systemctl: rotate.sh and wrap.sh; and README.md:
    again.sh."""
    page = (ROOT / "man/manhattan.7").read_text()
    found = [text.replace("\\e", "\\") for text in
             re.findall(r"^\.Bd -literal[^\n]*\n(.*?)\n\.Ed$", page, re.M | re.S) if "systemctl" in text]
    for name, text in zip(("rotate.sh", "wrap.sh"), found, strict=True):
        machine.path(f"var/tmp/{name}").write_text(text + "\n")
    again = re.search(r"^    (runuser.*\n)    (systemctl.*\n)", (ROOT / "README.md").read_text(), re.M)
    machine.path("var/tmp/again.sh").write_text("set -e\n" + again[1] + again[2])


def check_booted(machine, script):
    """What `script` says once it has run in the booted machine."""
    said, console = machine.boot(ROOT / "tests/e2e" / script)
    global failures
    print(said, flush=True)
    is_whole = said.rstrip().endswith("the end")
    failures += said.count("not ok - ") + (not is_whole)
    if not is_whole:
        print(f"not ok - {script} comes to its end\n{console}")


def with_version(package, version, path, left_out=()):
    """The same package with another version, at `path`, less the units `left_out`. Its programs are other
    files, too."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run("dpkg-deb", "-R", package, folder)
        control = folder / "DEBIAN/control"
        control.write_text(re.sub("^Version: .*$", f"Version: {version}", control.read_text(), flags=re.M))
        for unit in left_out:
            (folder / "lib/systemd/system" / unit).unlink()
        for program in ("manhattan-fcgi", "manhattan-server"):
            with (folder / "usr/bin" / program).open("ab") as file:
                file.write(version.encode())
        run("dpkg-deb", "-Znone", "--root-owner-group", "-b", folder, path)


def check_upgraded(machine, packages):
    package = next(path for path in packages if path.name.startswith("manhattan_"))
    for name, version in ("newer", "99.1"), ("newest", "99.2"):
        with_version(package, version, machine.path(f"var/tmp/{name}.deb"))
    with_version(package, "0.0.9", machine.path("var/tmp/older.deb"),
                 ["manhattan-report.socket", "manhattan-report.service"])
    machine.copy(ROOT / "tests/e2e/packages_visitors.py")
    check_booted(machine, "packages_upgraded.sh")


def live(packages):
    """The whole life, in a mount namespace of its own."""
    with tempfile.TemporaryDirectory(prefix="manhattan-machine-") as name:
        folder = pathlib.Path(name)
        machine = Machine(folder)
        try:
            check_installed(machine, packages)
            copy_examples(machine)
            check_booted(machine, "packages_booted.sh")
            check_upgraded(machine, packages)
        finally:
            run("umount", machine.root)
            run("umount", "-l", folder)


def main():
    if sys.argv[1] == "--live":
        live([pathlib.Path(name) for name in sys.argv[2:]])
        sys.exit(failures > 0)
    if os.environ.get("SAN"):
        print("ok - a build with sanitizers is no package")
        return
    packages = make_packages(pathlib.Path(sys.argv[1]).resolve())
    code, said = run("lintian", "--fail-on", "error", "--allow-root", *packages)
    check("lintian finds no error", code == 0, said)
    main_packages = [path for path in packages if "dbgsym" not in path.name]
    if os.geteuid() == 0 and run("unshare", "--mount", "true")[0] == 0:
        done = subprocess.run(["unshare", "--mount", "--propagation", "private", sys.executable,
                               __file__, "--live", *map(str, main_packages)])
        sys.exit(done.returncode or failures > 0)
    print("installing and booting skipped: only root can")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
