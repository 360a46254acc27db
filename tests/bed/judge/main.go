// Command judge asks Istio what it thinks of ServiceEntries.
//
//	judge verdicts  one ServiceEntry as JSON a line in, one verdict as JSON a line out, until stdin ends
//	judge crd       the ServiceEntry CRD as JSON
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
	"crd":      printCRD,
}

func main() {
	mode := ""
	if len(os.Args) == 2 {
		mode = os.Args[1]
	}
	run, known := modes[mode]
	if !known {
		fmt.Fprintln(os.Stderr, "usage: judge verdicts|crd")
		os.Exit(2)
	}
	if err := run(os.Stdin, output.Data); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}
