package keys

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.temporal.io/server/common/dynamicconfig"
)

// The package of the settings registers some itself, so the rest of the server isn't needed here.
func TestKindsAreThoseOfTheConstructors(t *testing.T) {
	kinds := registered()
	for key, want := range map[string]string{
		"frontend.enableSchedules":                                  "Bool",
		"frontend.rps":                                              "Int",
		"history.archivalBackendMaxRPS":                             "Float",
		"system.historyArchivalState":                               "String",
		"history.cacheTTL":                                          "Duration",
		"history.SkipReapplicationByNamespaceID":                    "Bool",
		"history.standbyTaskReReplicationContextTimeout":            "Duration",
		"history.transferProcessorSchedulerActiveRoundRobinWeights": "Map",
		"worker.perNamespaceWorkerOptions":                          "Typed",
	} {
		if kind := kinds[strings.ToLower(key)]; kind != want {
			t.Errorf("%s is %q, not %s", key, kind, want)
		}
	}
}

func TestTheServerKnowsWhatIsRegistered(t *testing.T) {
	var file strings.Builder
	for key := range registered() {
		file.WriteString(key + ": []\n")
	}
	file.WriteString("no.such.key: []\n")
	loaded := dynamicconfig.LoadYamlFile([]byte(file.String()))
	if len(loaded.Errors) != 0 || len(loaded.Warnings) != 1 {
		t.Errorf("%v, %v", loaded.Errors, loaded.Warnings)
	}
}

func TestSpellingsComeFromCallsThatMakeSettings(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"a.go": `package a
			var (
				A = dynamicconfig.NewGlobalIntSetting("a.keyOne", 1, "x")
				B = NewNamespaceTypedSetting[[]string]("a.keyTwo", nil, "x")
				C = dynamicconfig.NewGlobalTypedSettingWithConverter("a.keyThree", convert, 0, "x")
				D = NewGlobalIntSetting(name, 1, "x")
				E = UseSetting("a.keyFive")
				F = New("a.keySix")
			)`,
		"a_test.go":  `package a; var T = NewGlobalIntSetting("a.keyOfATest", 1, "x")`,
		"notes.txt":  `NewGlobalIntSetting("a.keyOfAText", 1, "x")`,
		"sub/sub.go": "package sub; var S = NewGlobalIntSetting(`a.keyBelow`, 1, \"x\")",
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	spelled, err := spellings(folder)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"a.keyone": "a.keyOne", "a.keytwo": "a.keyTwo", "a.keythree": "a.keyThree", "a.keybelow": "a.keyBelow",
	}
	if !reflect.DeepEqual(spelled, want) {
		t.Errorf("%v", spelled)
	}
}

func TestTableIsSortedWhateverTheCase(t *testing.T) {
	kinds := map[string]string{"b.y": "Int", "b.z": "Bool", "a": "Map", "c": "Int"}
	spelled := map[string]string{"b.y": "b.Y", "b.z": "b.z", "a": "A", "other": "Other"}
	if unspelled := unspelled(kinds, spelled); !reflect.DeepEqual(unspelled, []string{"c"}) {
		t.Errorf("%v", unspelled)
	}
	spelled["c"] = "c"
	newer := map[string]string{"a": "", "b.z": "1.30"}
	if table := string(table(kinds, spelled, newer)); table != "A\tMap\nb.Y\tInt\nb.z\tBool\t1.30\nc\tInt\n" {
		t.Errorf("%q", table)
	}
}

func TestDifferences(t *testing.T) {
	for _, test := range []struct {
		known, registered string
		want              []string
	}{
		{"a\tInt\n", "a\tInt\n", nil},
		{"a\tInt\nb\tInt\n", "a\tBool\nb\tInt\n", []string{"-a\tInt", "+a\tBool"}},
		{"b\tInt\na\tInt\n", "a\tInt\nb\tInt\n", []string{"the order of the lines, or their ends"}},
	} {
		if changes := differences([]byte(test.known), []byte(test.registered)); !reflect.DeepEqual(changes, test.want) {
			t.Errorf("%q and %q: %q", test.known, test.registered, changes)
		}
	}
}
