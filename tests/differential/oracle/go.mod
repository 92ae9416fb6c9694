module delvegate.example/oracle

go 1.25.0

require (
	github.com/go-delve/delve v1.27.1
	github.com/google/go-dap v0.12.0
)

require (
	github.com/cilium/ebpf v0.11.0 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	go.yaml.in/yaml/v3 v3.0.4 // indirect
	golang.org/x/arch v0.28.0 // indirect
	golang.org/x/exp v0.0.0-20230224173230-c95f2b4c22f2 // indirect
	golang.org/x/sys v0.46.0 // indirect
	golang.org/x/telemetry v0.0.0-20241106142447-58a1122356f5 // indirect
)
