"""Figures of the report: in each module the numbers first, as plain frames, then the drawing."""
