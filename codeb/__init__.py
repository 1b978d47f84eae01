"""Domain of CodeB: pure Python, from manifests to text."""
