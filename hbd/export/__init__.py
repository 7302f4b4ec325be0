"""The three files in other clusters' words, for those who outgrow two nodes."""
