"""Published checkpoints: read without running anything in them, understood by their shapes, and stored as ours.

archive      the zip file that `torch.save` writes
tensors      storages and tensors
modules      modules as inert shells, and their tensors by dotted name
reader       a file -> tensors and the settings that its modules state
shapes       tensors -> what their shapes say of the model
settings     what shapes cannot say, and where it was taken from
importing    a file -> our weights and configuration in a folder
imported     such a folder -> the model
"""
