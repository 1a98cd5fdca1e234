"""What scores over seeds say: pure functions of numbers, which know no sweep and no table.

`results.intervals` (means, paired differences) and `results.chances` (of being the best) belong to them;
`results.certainty` asks them about a leaderboard. docs/statistics.md says what each number means.
"""
