"""Where trials run: connecting to Ray and what one trial may use of a machine."""
