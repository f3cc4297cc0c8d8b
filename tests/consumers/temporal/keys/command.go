package keys

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
)

const (
	server = "go.temporal.io/server"
	// Modules of the server's authors may register settings, too.
	authors = "go.temporal.io/"
)

// Main is the whole command but for the packages whose settings it lists. It returns the exit code.
func Main(arguments []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("dynamic-config-keys", flag.ContinueOnError)
	flags.SetOutput(stderr)
	check := flags.String("check", "", "compare with `FILE` instead of printing; exit with 1 if it differs")
	if err := flags.Parse(arguments); err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		flags.Usage()
		return 2
	}
	if err := run(*check, stdout); err != nil {
		_, _ = fmt.Fprintln(stderr, "dynamic-config-keys:", err)
		return 1
	}
	return 0
}

func run(check string, stdout io.Writer) error {
	modules, version, err := linked()
	if err != nil {
		return err
	}
	if version != laidOutAt {
		return fmt.Errorf("%s is linked, but the registry's layout is that of %s", version, laidOutAt)
	}
	kinds, spelled := registered(), make(map[string]string)
	for _, module := range modules {
		if len(unspelled(kinds, spelled)) == 0 {
			break
		}
		folder, err := sources(module)
		if err != nil {
			return err
		}
		more, err := spellings(folder)
		if err != nil {
			return err
		}
		maps.Copy(spelled, more)
	}
	if unspelled := unspelled(kinds, spelled); len(unspelled) > 0 {
		return fmt.Errorf("no source spells out %s", strings.Join(unspelled, ", "))
	}
	newer, err := since(kinds, version)
	if err != nil {
		return err
	}
	rows := table(kinds, spelled, newer)
	if check == "" {
		_, err = stdout.Write(rows)
		return err
	}
	known, err := os.ReadFile(check)
	if err != nil {
		return err
	}
	if changes := differences(known, rows); len(changes) > 0 {
		return fmt.Errorf("%s is not what %s %s registers:\n%s", check, server, version, strings.Join(changes, "\n"))
	}
	return nil
}

// earlier are releases of the server before the pinned one, oldest first. Forks are based on them.
var earlier = []string{"v1.29.1", "v1.30.4"}

// backported are newer settings, in lower case, that the server with the DSQL plugin has, though it is based on the oldest of
// these.
var backported = []string{"history.enablechasmschedulercreation"}

// since maps each key that the oldest release lacks to the release with which it came, such as 1.30.
func since(kinds map[string]string, pinned string) (map[string]string, error) {
	newer := make(map[string]string)
	for index, version := range append(slices.Clone(earlier), pinned) {
		known := kinds
		if index < len(earlier) {
			folder, err := sources(server + "@" + version)
			if err != nil {
				return nil, err
			}
			spelled, err := spellings(folder)
			if err != nil {
				return nil, err
			}
			known = spelled
		}
		minor := strings.Join(strings.Split(strings.TrimPrefix(version, "v"), ".")[:2], ".")
		for key := range kinds {
			if _, found := newer[key]; !found && known[key] != "" {
				newer[key] = minor
				if index == 0 || slices.Contains(backported, key) {
					newer[key] = ""
				}
			}
		}
	}
	return newer, nil
}

// linked are the modules that may register settings, the server first, and the version of the server.
func linked() ([]string, string, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil, "", errors.New("built without module information")
	}
	var modules []string
	version := ""
	for _, module := range info.Deps {
		name := module.Path + "@" + module.Version
		if module.Path == server {
			version = module.Version
			modules = append([]string{name}, modules...)
		} else if strings.HasPrefix(module.Path, authors) {
			modules = append(modules, name)
		}
	}
	if version == "" {
		return nil, "", fmt.Errorf("built without %s", server)
	}
	return modules, version, nil
}

// sources is the folder of the module cache that holds a module.
func sources(module string) (string, error) {
	command := exec.Command("go", "mod", "download", "-json", module)
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", command, err)
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal(output, &downloaded); err != nil {
		return "", fmt.Errorf("%s: %w", command, err)
	}
	return downloaded.Dir, nil
}
