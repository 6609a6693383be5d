"""What several verbs share: output, options, waiting."""
