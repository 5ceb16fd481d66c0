"""What devices did without a line: taken in operation by operation, compared by field, decided by a person in doubt."""
