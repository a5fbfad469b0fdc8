"""The third line: a cohort leaves Lago. Gate -> end -> read back; each step noted in the state, and read back."""
