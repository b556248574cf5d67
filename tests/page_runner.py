"""Runs the commands of a page in a folder, one after the other, as docs/README.md says."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time

from pages import ROOT, blocks, files, statements
from running import Script

# What the small models, and the few steps, ask for.
INSTEAD = {
    "/tmp/": "tmp/",
    r"whitening:\d+": "whitening:16",
    "--layers=-7": "--layers=-2",
    "ckpt-9000": "ckpt-2",
    r"output/four/run-\$seed": "output/four",  # where there is one run
    '"num_hidden_layers": 2': '"num_hidden_layers": 1',
}
# script -> (what the command has, flags that make it quick); a later flag wins.
SAMPLES = r"samples/(intents|tags|questions)|intents\.flags|mytask"
TRAINS = r"--do_train|--flagfile"
TASK = [(TRAINS, ["--num_train_epochs=1"]), (SAMPLES, ["--num_train_epochs=0.2"]), ("--num_runs=", ["--num_runs=1"])]
STEPS = ["--num_train_steps=2", "--num_warmup_steps=1", "--eval_steps=0", "--max_eval_steps=1", "--train_batch_size=8"]
QUICK = {
    "run_classifier.py": TASK,
    "run_tagger.py": TASK,
    "run_squad.py": TASK,
    "run_pretraining.py": [("--do_train", STEPS)],
    "create_pretraining_data.py": [("--output_file", ["--num_processes=1"])],
    "extract_features.py": [("", ["--layers=-1"])],
    "serve.py": [("", ["--port=0"])],
}
# bash shows which arguments python would get, and runs everything else.
ASIDE = 'python() { printf "%s\\0" "$@" >> .arguments; printf "\\n\\0" >> .arguments; }\nset -e\n'


class PageRunner:
    """Runs pages in a folder.

    Args:
      folder: path of the folder, in which samples/, configs/ and models/ are.
      env: dict, variables that the pages take for granted.
    """

    def __init__(self, folder, env):
        self.folder, self.count = folder, 0
        self.env = {**env, "PWD": str(folder), "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
        self.service, self.address = None, None

    def run(self, page):
        """Runs all shell and Python blocks of a page.

        Raises:
          AssertionError: a command failed; the message has its page, line and last words.
        """
        for name, text in files(page).items():
            path = self.folder / name
            if not path.exists():
                path.write_text(text, encoding="utf-8")
        named = {text for text in files(page).values()}
        try:
            for block in blocks(page, "sh", "python"):
                if block.text.partition("\n")[2] in named:
                    continue
                where = f"{page.name}:{block.line}"
                for one in [block.text] if block.language == "python" else statements(block):
                    self._run_one(one, block.language, where)
        finally:
            self._stop_service()

    def _run_one(self, text, language, where):
        for found, put in INSTEAD.items():
            text = re.sub(found, put, text)
        if self.address is not None:
            text = text.replace("localhost:8000", self.address).replace("curl -s ", "curl -s -f ")
        if language == "python":
            path = self.folder / f"block_{self.count}.py"
            path.write_text(text, encoding="utf-8")
            self.script(str(path), [], where)
        elif re.match(r"source |export \w+=/path/to/", text):
            pass  # the environment of this process
        elif text.startswith("make "):
            self._shell(text.replace("make ", "make --dry-run ", 1), where, ROOT)
        elif text.startswith("tensorboard "):
            self._shell(text.replace("--logdir", "--inspect --logdir"), where, self.folder)
        else:
            self._shell(ASIDE + text, where, self.folder)
            for arguments in self._arguments():
                self._python(arguments, where)

    def _shell(self, text, where, folder):
        done = subprocess.run(
            ["bash", "-c", text], cwd=folder, env={**os.environ, **self.env}, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{where}: {text}\n{done.stderr[-2000:]}"

    def _arguments(self):
        """What python was called with in the last statement, a list of str for each call."""
        path = self.folder / ".arguments"
        if not path.exists():
            return []
        calls = path.read_text(encoding="utf-8").split("\n\0")[:-1]
        path.unlink()
        return [call.split("\0")[:-1] for call in calls]

    def _python(self, arguments, where):
        name, *flags = arguments
        command = shlex.join(arguments)
        for pattern, more in QUICK.get(name, []):
            if re.search(pattern, command):
                flags += more
        if name.startswith("benchmarks/"):
            return  # tests/test_docs.py reads its flags
        if name == "serve.py":
            self._serve(flags, where)
        else:
            self.script(name, flags, where)

    def script(self, name, flags, where):
        """Runs a script, or a Python file, to its end.

        Args:
          name: of the script in the repository, or an absolute path.
          flags: list of str.
          where: what a failure is called.
        """
        started = time.perf_counter()
        ran = self._start(name, flags)
        status = ran.wait()
        print(f"{time.perf_counter() - started:5.1f} s {where}: {name} {shlex.join(flags)}"[:160])  # pytest -s shows it
        assert status == 0, f"{where}: {name} {shlex.join(flags)}\n{ran.stderr[-2000:]}"

    def _serve(self, flags, where):
        self._stop_service()
        self.service = self._start("serve.py", flags)
        self.service.wait_for(lambda: "ready: " in self.service.stdout)
        assert self.service.process.is_alive(), f"{where}: {self.service.stderr[-2000:]}"
        self.address = re.search(r"ready: http://(\S+)", self.service.stdout)[1]

    def _stop_service(self):
        if self.service is not None:
            self.service.send(signal.SIGTERM)
            assert self.service.wait() == 0, self.service.stderr[-2000:]
            self.service = self.address = None

    def _start(self, name, flags):
        self.count += 1
        return Script(name, flags, self.folder / ".runs" / str(self.count), env=self.env, work_in=str(self.folder))
