module example.org/scheduler

go 1.19
