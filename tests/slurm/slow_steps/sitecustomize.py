"""Python runs this before a training of the tests: every step takes STEP_SECONDS longer, at no one's cost,
and what the job sees of GPUs is noted.
"""

import os
import sys
import time

if any(argument.endswith(("pretrain_encoder.py", "finetune_detnet.py")) for argument in sys.orig_argv):
    import torch

    with open("gpus_seen.txt", "a") as file:
        print(os.environ.get("CUDA_VISIBLE_DEVICES", "none"), file=file)
    step = torch.optim.Adam.step

    def slow_step(*arguments, **options):
        time.sleep(float(os.environ["STEP_SECONDS"]))
        return step(*arguments, **options)

    torch.optim.Adam.step = slow_step
