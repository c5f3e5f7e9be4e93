"""Tells what a process is given: its name, arguments, open files, group, signals."""

import json
import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    told = {
        "name": Path("/proc/self/comm").read_text(encoding="utf-8").strip(),
        "arguments": sys.argv[1:],
        "files": [
            number
            for number in map(int, os.listdir("/proc/self/fd"))
            if Path(f"/proc/self/fd/{number}").exists()  # not what lists them
        ],
        "leads": os.getpgrp() == os.getpid(),
        "ends": signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
    }
    print(json.dumps(told))
    sys.exit(7)
