// Package version has the symbols that a build of Kubernetes is stamped with.
package version

var (
	gitVersion = "v0.0.0-master+$Format:%H$"
	gitCommit  = "$Format:%H$"
)

// Get says which version this program was stamped with.
func Get() string { return gitVersion }

// Commit says from which commit.
func Commit() string { return gitCommit }
