"""An incident played again from the journal: decided anew, each decision compared."""
