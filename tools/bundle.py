"""Bundle a run's weights, as float16: python tools/bundle.py runs/report report

Takes the weights after the run's last whole epoch, finished or not; the metadata says how many.
"""

import sys
from pathlib import Path

from inkseed.checkpoint import as_float16, load_tensors, save_tensors
from inkseed.run_folder import STATE
from inkseed.train import network_part
from inkseed.weights import WEIGHTS

run, name = Path(sys.argv[1]), sys.argv[2]
tensors, config = load_tensors(run / STATE)
target = WEIGHTS / f"{name}.safetensors"
save_tensors(target, as_float16(network_part(tensors)), config)
print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, {config['training']}")
