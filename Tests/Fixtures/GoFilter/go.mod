module example.com/bare-filter

go 1.24
