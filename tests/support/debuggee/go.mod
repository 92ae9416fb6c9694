module delvegate.example/debuggee

go 1.18
