"""Taking away: a project off the host (`remove`), the platform off the host (`retire`). Data stays, or is moved aside."""
