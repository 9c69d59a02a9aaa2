"""Connects to the address given, whatever the environment says, and stays."""

import socket
import sys
import time

host, port = sys.argv[1].rsplit(":", 1)
connection = socket.create_connection((host, int(port)))
time.sleep(60)
