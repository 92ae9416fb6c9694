// A stand-in with the import paths of a Kubernetes component: what is told from a file's build
// information can be tested without building Kubernetes.
package main

import (
	"fmt"
	"os"

	"k8s.io/component-base/version"
	"k8s.io/kubernetes/pkg/scheduler"
)

func main() {
	fmt.Println("Kubernetes", version.Get(), scheduler.Score(os.Args))
}
