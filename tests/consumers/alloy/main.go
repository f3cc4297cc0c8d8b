// Command alloy checks an Alloy configuration as `alloy fmt -t` and `alloy validate` do, as far as that
// can be had without the program: the language (parser, printer, evaluation, diagnostics) is Alloy's own
// syntax module, and what it cannot know, the components, stands in components.tsv.
//
// What the program knows beyond that is not checked: components that aren't in the table, what an
// argument's value means, circles of references, functions that came after the module's version.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/grafana/alloy/syntax/diag"
	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/printer"
)

const usage = `usage: alloy fmt [-t | -w] FILE
       alloy validate FILE
       alloy --version
`

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(arguments []string, stdin io.Reader, stdout, stderr io.Writer) int {
	command := ""
	if len(arguments) > 0 {
		command = arguments[0]
	}
	var err error
	switch command {
	case "--version", "-v":
		_, err = fmt.Fprintln(stdout, version())
	case "fmt":
		err = format(arguments[1:], stdin, stdout, stderr)
	case "validate":
		err = validate(arguments[1:], stderr)
	case "--help", "-h", "help":
		_, err = io.WriteString(stdout, usage)
	default:
		_, _ = io.WriteString(stderr, usage)
		return 1
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "Error:", err)
		return 1
	}
	return 0
}

// version says that this is not the whole program.
func version() string {
	const module = "github.com/grafana/alloy/syntax"
	number := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				number = dependency.Version
			}
		}
	}
	return fmt.Sprintf("alloy-syntax %s (%s with a table of components, not the Alloy program)", number, module)
}

func format(arguments []string, stdin io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("fmt", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var test, write bool
	flags.BoolVar(&test, "t", false, "only say whether the file is formatted")
	flags.BoolVar(&test, "test", false, "only say whether the file is formatted")
	flags.BoolVar(&write, "w", false, "write the file instead of printing it")
	flags.BoolVar(&write, "write", false, "write the file instead of printing it")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() != 1 || test && write {
		return errors.New("fmt takes one file, and -t or -w")
	}
	name := flags.Arg(0)
	var text []byte
	var err error
	if name == "-" && !write {
		name = "<stdin>"
		text, err = io.ReadAll(stdin)
	} else {
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return err
	}
	formatted, err := formatText(name, text)
	if err != nil {
		return report(stderr, name, text, err, "encountered errors during formatting")
	}
	switch {
	case test:
		if !bytes.Equal(text, formatted) {
			return fmt.Errorf("%s is not formatted", name)
		}
		return nil
	case write:
		return os.WriteFile(name, formatted, 0o666)
	}
	_, err = stdout.Write(formatted)
	return err
}

func formatText(name string, text []byte) ([]byte, error) {
	file, err := parser.ParseFile(name, text)
	if err != nil {
		return nil, err
	}
	var formatted bytes.Buffer
	if err := printer.Fprint(&formatted, file); err != nil {
		return nil, err
	}
	// The printer leaves the end of the last line to its caller.
	formatted.WriteByte('\n')
	return formatted.Bytes(), nil
}

func validate(arguments []string, stderr io.Writer) error {
	if len(arguments) != 1 {
		return errors.New("validate takes one file")
	}
	name := arguments[0]
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := validateText(name, text); err != nil {
		return report(stderr, name, text, err, "validation failed")
	}
	return nil
}

// report prints diagnostics with the lines that they are about.
func report(stderr io.Writer, name string, text []byte, err error, failed string) error {
	var diagnostics diag.Diagnostics
	if !errors.As(err, &diagnostics) {
		return err
	}
	if err := diag.Fprint(stderr, map[string][]byte{name: text}, diagnostics); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(stderr)
	return errors.New(failed)
}
