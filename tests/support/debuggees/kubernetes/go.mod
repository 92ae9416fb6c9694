module k8s.io/kubernetes

go 1.19

require k8s.io/component-base v0.34.1

replace k8s.io/component-base => ./component-base
