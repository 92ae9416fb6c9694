module stepped

go 1.19
