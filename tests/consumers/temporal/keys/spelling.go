package keys

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// spellings maps each key in lower case to how the source of its setting spells it, in a module's folder.
func spellings(folder string) (map[string]string, error) {
	spelled := make(map[string]string)
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		// Parsing is what takes time, and few files declare settings.
		if err != nil || !bytes.Contains(text, []byte("Setting")) {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if call, ok := node.(*ast.CallExpr); ok && len(call.Args) > 0 {
				if key, ok := literal(call.Args[0]); ok && makesSetting(called(call.Fun)) {
					spelled[strings.ToLower(key)] = key
				}
			}
			return true
		})
		return nil
	})
	return spelled, err
}

// makesSetting tells NewGlobalIntSetting, NewNamespaceTypedSettingWithConverter and their like.
func makesSetting(function string) bool {
	return strings.HasPrefix(function, "New") && strings.Contains(function, "Setting")
}

// called is the last name of the function that is called, without type arguments.
func called(function ast.Expr) string {
	switch function := function.(type) {
	case *ast.Ident:
		return function.Name
	case *ast.SelectorExpr:
		return function.Sel.Name
	case *ast.IndexExpr:
		return called(function.X)
	case *ast.IndexListExpr:
		return called(function.X)
	}
	return ""
}

func literal(expression ast.Expr) (string, bool) {
	basic, ok := expression.(*ast.BasicLit)
	if !ok || basic.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(basic.Value)
	return value, err == nil
}
