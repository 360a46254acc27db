// Package output keeps the program's stdout for data.
//
// Istio's packages log to os.Stdout, some as early as in their init. Go initialises packages in the order of their
// import paths as far as dependencies allow, and this one's sorts before istio.io.
package output

import "os"

// Data is where answers go.
var Data = os.Stdout

func init() {
	os.Stdout = os.Stderr
}
