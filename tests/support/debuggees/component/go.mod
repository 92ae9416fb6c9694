module k8s.io/kubernetes

go 1.18

require k8s.io/component-base v0.0.0

replace k8s.io/component-base => ./component-base
