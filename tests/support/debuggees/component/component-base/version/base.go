// Package version is as small as the real one's part that the linker stamps.
package version

var gitVersion = "v0.0.0-master+$Format:%H$"

// Get returns what --version would print.
func Get() string { return gitVersion }
