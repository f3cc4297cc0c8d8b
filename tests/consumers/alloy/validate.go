package main

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/grafana/alloy/syntax/ast"
	"github.com/grafana/alloy/syntax/diag"
	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/token"
	"github.com/grafana/alloy/syntax/vm"
)

// validateText finds everything that is wrong with a configuration; the error is a diag.Diagnostics.
func validateText(name string, text []byte) error {
	file, err := parser.ParseFile(name, text)
	if err != nil {
		return err
	}
	checker := checker{declared: make(map[string]*ast.BlockStmt)}
	// References may point down the file.
	checker.declare(file.Body)
	for _, statement := range file.Body {
		if statement, ok := statement.(*ast.BlockStmt); ok {
			if known, ok := components[statement.GetBlockName()]; ok {
				checker.body(statement, known.body)
			}
		}
	}
	slices.SortStableFunc(checker.found, func(a, b diag.Diagnostic) int {
		return cmp.Or(cmp.Compare(a.StartPos.Line, b.StartPos.Line), cmp.Compare(a.StartPos.Column, b.StartPos.Column))
	})
	return checker.found.ErrorOrNil()
}

type checker struct {
	found diag.Diagnostics
	// declared holds each component by its name and label, `loki.write.logs`.
	declared map[string]*ast.BlockStmt
	// exports has the shape that references have: exports of `loki.write.logs` are in exports["loki"]["write"]["logs"].
	exports map[string]any
}

func (c *checker) report(from, to token.Pos, format string, arguments ...any) {
	c.found.Add(diag.Diagnostic{
		Severity: diag.SeverityLevelError,
		StartPos: from.Position(),
		EndPos:   to.Position(),
		Message:  fmt.Sprintf(format, arguments...),
	})
}

// head reports what is wrong with a block as a whole at its name.
func (c *checker) head(block *ast.BlockStmt, format string, arguments ...any) {
	c.report(block.NamePos, block.NamePos.Add(len(block.GetBlockName())-1), format, arguments...)
}

// declare collects the components of the file, and checks their names and labels.
func (c *checker) declare(statements ast.Body) {
	c.exports = make(map[string]any)
	for _, statement := range statements {
		block, ok := statement.(*ast.BlockStmt)
		if !ok {
			attribute := statement.(*ast.AttributeStmt)
			c.report(ast.StartPos(attribute), ast.EndPos(attribute), "unrecognized attribute name %q", attribute.Name.Name)
			continue
		}
		name := block.GetBlockName()
		known, ok := components[name]
		if !ok {
			c.head(block, "cannot find the definition of component name %q", name)
			continue
		}
		switch {
		case known.labelled && block.Label == "":
			c.head(block, "component %q must have a label", name)
			continue
		case !known.labelled && block.Label != "":
			c.head(block, "block %q does not support specifying labels", name)
			continue
		}
		path := block.Name
		if known.labelled {
			path = append(slices.Clone(path), block.Label)
		}
		id := strings.Join(path, ".")
		if first, ok := c.declared[id]; ok {
			c.head(block, "block %s already declared at %s", id, first.NamePos.Position())
			continue
		}
		c.declared[id] = block
		if known.labelled {
			into := c.exports
			for _, part := range path[:len(path)-1] {
				inner, ok := into[part].(map[string]any)
				if !ok {
					inner = make(map[string]any)
					into[part] = inner
				}
				into = inner
			}
			into[block.Label] = known.exports
		}
	}
}

// body checks what stands between the braces of a block.
func (c *checker) body(parent *ast.BlockStmt, known *body) {
	attributes := make(map[string]bool)
	blocks := make(map[string]bool)
	for _, statement := range parent.Body {
		switch statement := statement.(type) {
		case *ast.AttributeStmt:
			name := statement.Name.Name
			attribute, ok := known.attributes[name]
			_, isBlock := known.blocks[name]
			switch {
			case isBlock:
				c.report(ast.StartPos(statement), ast.EndPos(statement), "%q must be a block, but is used as an attribute", name)
			case !ok:
				c.report(ast.StartPos(statement), ast.EndPos(statement), "unrecognized attribute name %q", name)
			case attributes[name]:
				c.report(ast.StartPos(statement), ast.EndPos(statement), "attribute %q may only be provided once", name)
			default:
				c.value(statement.Value, attribute.kind)
			}
			attributes[name] = true
		case *ast.BlockStmt:
			name := statement.GetBlockName()
			block, ok := known.blocks[name]
			_, isAttribute := known.attributes[name]
			switch {
			case isAttribute:
				c.head(statement, "%q must be an attribute, but is used as a block", name)
			case !ok:
				c.head(statement, "unrecognized block name %q", name)
			case statement.Label != "":
				c.head(statement, "block %q does not support specifying labels", name)
			case blocks[name] && !block.repeated:
				c.head(statement, "block %q may only be specified once", name)
			case block.body != nil:
				c.body(statement, block.body)
			}
			blocks[name] = true
			// Written as a block it isn't missing, too.
			attributes[name] = attributes[name] || isAttribute
		}
	}
	for _, name := range known.required {
		if !attributes[name] {
			c.head(parent, "missing required attribute %q", name)
		}
	}
}

// value evaluates an expression, with nothing but types for what components export.
func (c *checker) value(expression ast.Expr, kind reflect.Type) {
	before := len(c.found)
	c.references(expression)
	if len(c.found) > before {
		return
	}
	err := vm.New(expression).Evaluate(&vm.Scope{Variables: c.exports}, reflect.New(kind).Interface())
	var many diag.Diagnostics
	var one diag.Diagnostic
	switch {
	case err == nil:
	case errors.As(err, &many):
		c.found = append(c.found, many...)
	case errors.As(err, &one) && one.StartPos.Valid():
		c.found.Add(one)
	default:
		c.report(ast.StartPos(expression), ast.EndPos(expression), "%s", err)
	}
}

// references reports names that point to no component; whether it exports such a field, evaluation tells.
func (c *checker) references(expression ast.Expr) {
	switch expression := expression.(type) {
	case *ast.IdentifierExpr:
		c.reference(expression, []string{expression.Ident.Name})
	case *ast.AccessExpr:
		if path := pathOf(expression); path != nil {
			c.reference(expression, path)
		} else {
			c.references(expression.Value)
		}
	case *ast.ArrayExpr:
		for _, element := range expression.Elements {
			c.references(element)
		}
	case *ast.ObjectExpr:
		for _, field := range expression.Fields {
			c.references(field.Value)
		}
	case *ast.IndexExpr:
		c.references(expression.Value)
		c.references(expression.Index)
	case *ast.CallExpr:
		c.references(expression.Value)
		for _, argument := range expression.Args {
			c.references(argument)
		}
	case *ast.UnaryExpr:
		c.references(expression.Value)
	case *ast.BinaryExpr:
		c.references(expression.Left)
		c.references(expression.Right)
	case *ast.ParenExpr:
		c.references(expression.Inner)
	}
}

// pathOf is `a.b.c` of an expression that is nothing else.
func pathOf(expression ast.Expr) []string {
	switch expression := expression.(type) {
	case *ast.IdentifierExpr:
		return []string{expression.Ident.Name}
	case *ast.AccessExpr:
		if path := pathOf(expression.Value); path != nil {
			return append(path, expression.Name.Name)
		}
	}
	return nil
}

func (c *checker) reference(expression ast.Expr, path []string) {
	// The language's own: functions and constants.
	if _, ok := (*vm.Scope)(nil).Lookup(path[0]); ok {
		return
	}
	for end := range path {
		id := strings.Join(path[:end+1], ".")
		if block, ok := c.declared[id]; ok && components[block.GetBlockName()].labelled {
			return
		}
	}
	c.report(ast.StartPos(expression), ast.EndPos(expression), "component %q does not exist or is out of scope",
		strings.Join(path, "."))
}
