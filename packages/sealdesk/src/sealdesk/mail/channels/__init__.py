"""The servers that mail comes from and leaves by: the only files of the desk with sockets for mail."""
