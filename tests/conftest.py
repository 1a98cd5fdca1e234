"""One thread for torch: sums in one order, and no two processes that wait for each other's cores. No deadlines."""

import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
