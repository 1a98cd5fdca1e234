"""The counterfactual core: modalities, data, backbones, fusion, effects, losses, metrics and the trainer.

It knows no Ray, no result files and no test split; everything above it imports from here, never the reverse.
"""
