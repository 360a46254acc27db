// Command judge asks Istio what it thinks of ServiceEntries.
//
//	judge verdicts  one ServiceEntry a line in, one verdict a line out
//	judge routes    one list of worlds a line in, what a sidecar gets in each of them a line out
//	judge pushes    one list of worlds a line in, what each change makes Istio push a line out
//	judge ambient   one world a line in, what ztunnel finds for each address in it a line out
//	judge crd       the ServiceEntry CRD
//
// All of it is JSON, and a mode that reads answers until stdin ends.
package main

import (
	"fmt"
	"io"
	"os"

	"istio-cloud-map/bed/judge/output"
)

// modes are the words that may follow the program's name.
var modes = map[string]func(in io.Reader, out io.Writer) error{
	"verdicts": verdicts,
	"routes":   routes,
	"pushes":   pushes,
	"ambient":  ambientIndex,
	"crd":      printCRD,
}

func main() {
	mode := ""
	if len(os.Args) == 2 {
		mode = os.Args[1]
	}
	run, known := modes[mode]
	if !known {
		fmt.Fprintln(os.Stderr, "usage: judge verdicts|routes|pushes|ambient|crd")
		os.Exit(2)
	}
	if err := run(os.Stdin, output.Data); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}
