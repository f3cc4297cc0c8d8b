package keys

import (
	"bytes"
	"slices"
	"strings"
)

// unspelled are the keys whose spelling isn't known, sorted.
func unspelled(kinds, spelled map[string]string) []string {
	var keys []string
	for key := range kinds {
		if _, ok := spelled[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// table writes a line for each key, sorted by key whatever its case.
func table(kinds, spelled, newer map[string]string) []byte {
	keys := make([]string, 0, len(kinds))
	for key := range kinds {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var rows bytes.Buffer
	for _, key := range keys {
		row := spelled[key] + "\t" + kinds[key]
		if newer[key] != "" {
			row += "\t" + newer[key]
		}
		rows.WriteString(row + "\n")
	}
	return rows.Bytes()
}

// differences lists the lines that only one of two tables has, or says that nothing but their order differs.
func differences(known, registered []byte) []string {
	if bytes.Equal(known, registered) {
		return nil
	}
	old, current := lines(known), lines(registered)
	var changes []string
	for _, line := range old {
		if !slices.Contains(current, line) {
			changes = append(changes, "-"+line)
		}
	}
	for _, line := range current {
		if !slices.Contains(old, line) {
			changes = append(changes, "+"+line)
		}
	}
	if changes == nil {
		changes = []string{"the order of the lines, or their ends"}
	}
	return changes
}

func lines(table []byte) []string {
	return strings.Split(strings.TrimSuffix(string(table), "\n"), "\n")
}
