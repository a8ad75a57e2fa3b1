"""Many runs for one request, told apart by what each changes, and laid out in contact sheets."""
