"""What a package would install: unit file, sample settings, completion, manual pages."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import IDNODE  # noqa: E402

DEPLOY = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "ops", "deploy")


class Deploy(unittest.TestCase):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_the_unit_is_hardened(self):
        # Exposure at most 1.5.
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=15",
                               os.path.join(DEPLOY, "idnode.service")], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout[-400:] + done.stderr)

    def test_the_sample_works(self):
        done = subprocess.run([IDNODE, "check-config", "--config", os.path.join(DEPLOY, "idnode.toml")],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, "ok\n"))

    def test_completion_knows_every_command_and_option(self):
        script = os.path.join(DEPLOY, "idnode.bash-completion")

        def complete(*words):
            body = (f"source {script}; COMP_WORDS=({' '.join(words)} ''); COMP_CWORD={len(words)}; _idnode; "
                    'printf "%s\\n" "${COMPREPLY[@]}"')
            done = subprocess.run(["bash", "-c", body], capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 0, done.stderr)
            return set(done.stdout.split())

        help_text = subprocess.run([IDNODE, "--help"], capture_output=True, text=True, timeout=30).stdout
        commands = {line.split()[0] for line in help_text.split("Subcommands:")[1].splitlines() if line.strip()}
        self.assertLessEqual(commands, complete("idnode"))
        for command in commands:
            text = subprocess.run([IDNODE, command, "--help"], capture_output=True, text=True, timeout=30).stdout
            options = {word.rstrip(",") for word in text.split() if word.startswith("--")}
            self.assertLessEqual(options - {"--config"}, complete("idnode", command), command)
        self.assertEqual(complete("idnode", "init", "--key-type"), {"rsa", "p256", "ed25519", "sm2"})

    @unittest.skipUnless(shutil.which("man"), "no man")
    def test_manual_pages_have_no_faults(self):
        for arguments in ((), ("--file-format",)):
            page = subprocess.run([IDNODE, "manual", *arguments], capture_output=True, timeout=30).stdout
            with tempfile.NamedTemporaryFile(suffix=".8") as f:
                f.write(page)
                f.flush()
                done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", f.name], capture_output=True,
                                      timeout=60, env={**os.environ, "MANROFFSEQ": "", "MANWIDTH": "100"})
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertIn(b"idnode", done.stdout)


if __name__ == "__main__":
    result = unittest.main(exit=False, warnings="ignore").result
    print(f"system: deploy {result.testsRun} checked, {len(result.failures) + len(result.errors)} failed")
    sys.exit(0 if result.wasSuccessful() else 1)
