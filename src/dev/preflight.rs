//! What must hold before the stack can run: each check takes what was found out and gives what is wrong.
