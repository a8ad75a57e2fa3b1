"""The page: one file a tab, shared controls in `controls/`, texts and styles in `assets/`."""
